// What a technician is told of a kernel that has a fault.

/// The words of `hearthctl doctor` about a kernel whose fault the hub goes round.
package struct KernelAdvice: Sendable, Hashable {
  /// False: nobody looked whether this kernel has it.
  package let isCertain: Bool
  package let message: String
  package let hint: String

  /// Nil when there is nothing to say of this kernel.
  package init?(_ kernel: KernelRelease) {
    switch kernel.closingFault {
    case .absent, .unknown: return nil
    case .present:
      isCertain = true
      message = "the kernel \(kernel.text) can die when a Bluetooth link ends before the device said anything"
    case .possible:
      isCertain = false
      message =
        "whether the kernel \(kernel.text) has the fault of 6.1.191 and 6.1.192 in the end of Bluetooth links is not known"
    }
    hint =
      "Hearth goes round it as far as it can; install a kernel without it: on Debian 12 the one of bookworm-backports "
      + "(6.12); see Operate in the README"
  }
}
