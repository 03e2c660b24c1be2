// The Device resources of the HL7 PHD guide: the gateway (PHG) and the personal health device (PHD).

internal import JSON
internal import Readings

enum PHDDevices {
  /// A resource, its `fullUrl` and the search that finds it at the server.
  struct Made {
    var url: String
    var resource: JSONValue
    var search: String
  }

  /// This hub.
  static func gateway(_ context: ExchangeContext) -> Made {
    let id = FHIRIdentity.mintedSystemID(context.hubID)
    let sync: (UInt32, String) =
      context.isSynchronised ? (532_226, "MDC_TIME_SYNC_NTPV4") : (532_224, "MDC_TIME_SYNC_NONE")
    let resource = FHIRElement.object([
      "resourceType": "Device", "meta": ["profile": [.string(FHIRSystem.profile("PhgDevice"))]],
      "identifier": [FHIRIdentity.identifier(FHIRSystem.systemID, id, type: type("SYSID"))],
      "manufacturer": "Hearth", "modelNumber": "Hearth",
      "type": FHIRElement.concept(
        [FHIRElement.mdc(531_981, "MDC_MOC_VMS_MDS_AHD")], text: "Application Hosting Device, a.k.a. PHG"),
      "specialization": [
        [
          "systemType": FHIRElement.concept([FHIRElement.mdc(528_457, "MDC_DEV_SPEC_PROFILE_GENERIC")]),
          "version": "2",
        ]
      ],
      "version": [version(531_975, "MDC_ID_PROD_SPEC_SW", context.version)],
      "property": [
        [
          "type": FHIRElement.concept([FHIRElement.mdc(68_220, "MDC_TIME_SYNC_PROTOCOL")]),
          "valueCode": [FHIRElement.concept([FHIRElement.mdc(sync.0, sync.1)])],
        ]
      ],
    ])
    return Made(
      url: "urn:uuid:" + FHIRIdentity.uuid("gateway|\(context.hubID)"), resource: resource,
      search: FHIRIdentity.search(FHIRSystem.systemID, id))
  }

  /// The `fullUrl` of a device.
  static func url(_ device: DeviceIdentity, hubID: String) -> String {
    "urn:uuid:" + FHIRIdentity.uuid("device|\(name(device, hubID: hubID))")
  }

  /// What tells a device from all others: its address, or this hub's name for it.
  private static func name(_ device: DeviceIdentity, hubID: String) -> String {
    FHIRIdentity.systemID(device) ?? FHIRIdentity.bluetoothAddress(device) ?? "\(hubID)|\(device.id)"
  }

  /// A device that gave readings of these kinds.
  static func device(_ device: DeviceIdentity, kinds: [ReadingKind], hubID: String) -> Made {
    let url = url(device, hubID: hubID)
    let systemID = FHIRIdentity.systemID(device)
    let address = FHIRIdentity.bluetoothAddress(device)
    // Of a device that told no System ID there is none: something else identifies it.
    var identifiers = systemID.map { [FHIRIdentity.identifier(FHIRSystem.systemID, $0, type: type("SYSID"))] } ?? []
    if let address { identifiers.append(FHIRIdentity.identifier(FHIRSystem.bluetooth, address, type: type("BTMAC"))) }
    let search: String
    if let systemID {
      search = FHIRIdentity.search(FHIRSystem.systemID, systemID)
    } else if let address {
      search = FHIRIdentity.search(FHIRSystem.bluetooth, address)
    } else {
      identifiers.append(FHIRIdentity.identifier(FHIRSystem.uri, url))
      search = FHIRIdentity.search(FHIRSystem.uri, url)
    }
    let firmware = device.firmware.flatMap(text)
    let resource = FHIRElement.object([
      "resourceType": "Device", "meta": ["profile": [.string(FHIRSystem.profile("PhdDevice"))]],
      "identifier": .array(identifiers),
      "manufacturer": device.manufacturer.flatMap(text).map { .string($0) },
      "_manufacturer": device.manufacturer.flatMap(text) == nil ? unknown : nil,
      "serialNumber": device.serial.flatMap(text).map { .string($0) },
      "modelNumber": device.model.flatMap(text).map { .string($0) },
      "_modelNumber": device.model.flatMap(text) == nil ? unknown : nil,
      "type": FHIRElement.concept([FHIRElement.mdc(65_573, "MDC_MOC_VMS_MDS_SIMP")], text: "Simple PHD"),
      "specialization": .array(kinds.map(specialization)),
      "version": .array(
        firmware.map { [version(531_976, "MDC_ID_PROD_SPEC_FW", $0, text: "Firmware revision")] } ?? []),
    ])
    return Made(url: url, resource: resource, search: search)
  }

  /// A FHIR string is never empty nor blank at its ends.
  static func text(_ text: String) -> String? {
    let parts = text.split(separator: " ")
    let trimmed = parts.joined(separator: " ").filter {
      !$0.isNewline && $0.unicodeScalars.allSatisfy { $0.value >= 32 }
    }
    return trimmed.isEmpty ? nil : trimmed
  }

  private static let unknown: JSONValue = [
    "extension": [["url": .string(FHIRSystem.absentExtension), "valueCode": "unknown"]]
  ]

  private static func type(_ code: String) -> JSONValue {
    FHIRElement.concept([FHIRElement.coding(FHIRSystem.deviceIdentifiers, code)])
  }

  private static func version(_ mdc: UInt32, _ display: String, _ value: String, text: String? = nil) -> JSONValue {
    ["type": FHIRElement.concept([FHIRElement.mdc(mdc, display)], text: text), "value": .string(value)]
  }

  private static func specialization(_ kind: ReadingKind) -> JSONValue {
    let (mdc, display, text): (UInt32, String, String) =
      switch kind {
      case .bloodPressure: (528_391, "MDC_DEV_SPEC_PROFILE_BP", "Blood Pressure Cuff")
      case .pulseOximetry: (528_388, "MDC_DEV_SPEC_PROFILE_PULS_OXIM", "Pulse Oximeter")
      case .bodyWeight: (528_399, "MDC_DEV_SPEC_PROFILE_SCALE", "Weighing Scale")
      case .bodyComposition: (528_404, "MDC_DEV_SPEC_PROFILE_BCA", "Body Composition Analyzer")
      case .bodyTemperature: (528_392, "MDC_DEV_SPEC_PROFILE_TEMP", "Thermometer")
      case .glucose: (528_401, "MDC_DEV_SPEC_PROFILE_GLUCOSE", "Glucose Meter")
      case .heartRate: (528_457, "MDC_DEV_SPEC_PROFILE_GENERIC", "Heart Rate Sensor")
      }
    return ["systemType": FHIRElement.concept([FHIRElement.mdc(mdc, display)], text: text), "version": "1"]
  }
}
