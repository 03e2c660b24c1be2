// Small files that may take long to reach the disk, on a thread of their own: the thread that decides never waits for them.

import GatewayCore
import Platform
import Ledger

/// What the thread of files tells.
enum FilesMessage: Sendable {
  case kept(KeysID)
  case failed(KeysID, String)
}

final class FilesThread {
  let mailbox: Mailbox<FilesMessage>
  private let worker: WorkerThread<Void>
  private let directory: String

  init(_ directory: String) throws(SystemError) {
    self.directory = directory
    mailbox = try Mailbox()
    worker = try WorkerThread(())
  }

  /// Where the keys of devices are, mode 0600.
  static func keys(_ directory: String) -> String { "\(directory)/keys.json" }

  /// Writes the file of keys.
  func keep(_ id: KeysID, _ octets: [UInt8]) {
    worker.run { [mailbox, directory] _ in
      do throws(FileError) {
        try StateFile.write(octets, to: FilesThread.keys(directory))
        mailbox.post(.kept(id))
      } catch {
        mailbox.post(.failed(id, "\(error)"))
      }
    }
  }

  /// Old state files hold what was erased or unpaired.
  func shredImported() {
    worker.run { [directory] _ in StateMigration.shred(directory) }
  }

  /// The records are on disk.
  func finishImport() {
    worker.run { [directory] _ in StateMigration.finish(directory) }
  }

  /// Finishes everything that was handed over.
  func stop() { worker.stop() }
}
