// Set Powered of a blocked radio (mgmt-api of the Linux kernel, "Set Powered Command"). Kernels of Debian 12 answer "failed" where
// later ones answer "blocked through rfkill": the radio's switch tells which it is.

extension ManagementPacket {
  /// A packet of the kernel as a later kernel would send it.
  /// - Parameter isRadioBlocked: asked only where the packet leaves it open.
  package static func explained(_ octets: [UInt8], isRadioBlocked: () -> Bool) -> [UInt8] {
    // The event, Command Complete or Command Status; the controller and a length follow, then the command and its status.
    let isAnswer = octets.count >= 9 && (1...2).contains(octets[0]) && octets[1] == 0
    guard isAnswer, octets[6] == 0x05, octets[7] == 0, octets[8] == ManagementStatus.failed.rawValue, isRadioBlocked()
    else { return octets }
    var octets = octets
    octets[8] = ManagementStatus.rfkilled.rawValue
    return octets
  }
}
