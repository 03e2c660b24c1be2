// Who keeps whom out of the control socket: users of other roles, as the kernel knows them. Only root can be several users.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: geteuid() == 0)) struct ConnectionQuotaTests {
  /// Groups that every system has stand for technicians and readers.
  private static let configuration = """
    {"control": {"technician_group": "daemon", "reader_group": "bin"}}
    """

  /// Connects as different users and tells what came of it, as one JSON object.
  private static let script = """
    import json, os, select, socket, sys, time
    path, result = sys.argv[1], {}
    TECHNICIANS, READERS, NOBODY = 1, 2, 65534

    def connect(count):
        sockets = []
        for _ in range(count):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(20)
            s.connect(path)
            sockets.append(s)
        return sockets

    def ask(s):
        try:
            s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"version"}\\n')
        except OSError:
            pass
        return line(s)

    def line(s):
        text = b""
        while not text.endswith(b"\\n"):
            more = s.recv(4096)
            if not more:
                return None
            text += more
        answer = json.loads(text)
        return answer["error"]["data"]["code"] if "error" in answer else "answered"

    def as_user(uid, gid, body):
        # The kernel notes who connects: a process for each user.
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            with os.fdopen(theirs, "w") as out:
                body(lambda text: (out.write(text + "\\n"), out.flush()))
            os._exit(0)
        os.close(theirs)
        return os.fdopen(ours), pid

    def idle(say):
        sockets = connect(48)
        start = time.monotonic()
        time.sleep(1)
        ready, _, _ = select.select(sockets, [], [], 0)
        refused = {s: line(s) for s in ready}
        say(json.dumps({"refused": len(refused), "as": sorted(set(refused.values()))}))
        rest = [s for s in sockets if s not in refused]
        ends = [s.recv(1) for s in rest]
        say(json.dumps({"closed": len(rest), "after": time.monotonic() - start, "silently": ends == [b""] * len(rest)}))

    def working(count):
        def body(say):
            sockets = connect(count)
            answers = [ask(s) for s in sockets]
            say(json.dumps({code: answers.count(code) for code in set(answers)}))
            time.sleep(30)
        return body

    strangers, _ = as_user(NOBODY, NOBODY, idle)
    result["crowd"] = json.loads(strangers.readline())
    children = []
    for name, uid, gid, count in [("technicians", 3001, TECHNICIANS, 17), ("reader", 3002, READERS, 13),
                                  ("other reader", 3003, READERS, 13), ("third reader", 3004, READERS, 1),
                                  ("owners", 0, 0, 21)]:
        out, pid = as_user(uid, gid, working(count))
        children.append(pid)
        result[name] = json.loads(out.readline())
    result["end"] = json.loads(strangers.readline())
    for pid in children:
        os.kill(pid, 9)
    print(json.dumps(result))
    """

  @Test func nobodyIsShutOutByWhoIsTrustedLess() throws {
    let home = try Home(Self.configuration)
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    for place in ["", "run"] {
      chmod(home.folder.appending(path: place).path, 0o755)
    }
    let socket = home.folder.appending(path: "run/hearthd.sock").path
    let python = Process()
    let out = Pipe()
    python.executableURL = URL(filePath: "/usr/bin/env")
    python.arguments = ["python3", "-c", Self.script, socket]
    python.standardOutput = out
    try python.run()
    let octets = out.fileHandleForReading.readDataToEndOfFile()
    python.waitUntilExit()
    let result = try #require(try JSONSerialization.jsonObject(with: octets) as? [String: [String: Any]])
    func count(_ who: String, _ what: String) -> Int { result[who]?[what] as? Int ?? 0 }
    // Four strangers are let in, the others are told so; and after five seconds without a question the four are gone.
    #expect(count("crowd", "refused") == 44, "\(result)")
    #expect(result["crowd"]?["as"] as? [String] == ["busy"])
    #expect(count("end", "closed") == 4 && result["end"]?["silently"] as? Bool == true)
    let after = result["end"]?["after"] as? Double ?? 0
    #expect(after > 4 && after < 15)
    // Meanwhile everybody else is served, up to a bound of their own.
    #expect(count("technicians", "answered") == 16 && count("technicians", "busy") == 1)
    #expect(count("reader", "answered") == 12 && count("reader", "busy") == 1)
    #expect(count("other reader", "answered") == 12 && count("other reader", "busy") == 1)
    #expect(count("third reader", "busy") == 1)
    #expect(count("owners", "answered") == 20 && count("owners", "busy") == 1)
    #expect(try home.until(["status"]) { $0.status == 0 }.status == 0)
    #expect(home.stop() == 0)
  }
}
