// swift-tools-version: 6.3
// The modules and the arrows between them. `.ci/check-arrows` holds every import in Sources
// against the dependencies below, because SwiftPM lets a target import what its dependencies see.
import PackageDescription

/// What every target is compiled with: warnings are errors, Swift 6 language mode.
let common: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// The daemon's modules do without regular expressions, which `String.contains(String)` would bring into its memory.
let withoutRegularExpressions = SwiftSetting.unsafeFlags([
  "-Xfrontend", "-disable-implicit-string-processing-module-import",
])

/// A pure module: no I/O, no clock, no Foundation, no unsafe memory.
func pure(_ name: String, _ dependencies: [String] = []) -> Target {
  .target(
    name: name, dependencies: dependencies.map { .byName(name: $0) },
    swiftSettings: common + [.strictMemorySafety(), withoutRegularExpressions])
}

/// A module that touches the world.
func shell(_ name: String, _ dependencies: [String] = [], linker: [LinkerSetting] = []) -> Target {
  .target(
    name: name, dependencies: dependencies.map { .byName(name: $0) }, swiftSettings: common,
    linkerSettings: linker)
}

func program(_ name: String, _ dependencies: [String], linker: [LinkerSetting] = []) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies.map { .byName(name: $0) }, swiftSettings: common,
    linkerSettings: linker)
}

func tests(_ name: String, _ dependencies: [String], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies.map { .byName(name: $0) },
    resources: resources, swiftSettings: common)
}

let package = Package(
  name: "hearth",
  products: [
    .executable(name: "hearthd", targets: ["hearthd"]),
    .executable(name: "hearthctl", targets: ["hearthctl"]),
    .executable(name: "hearth-uplink", targets: ["hearth-uplink"]),
  ],
  targets: [
    // Layer 0
    pure("Octets"),
    pure("JSON"),
    pure("Zones", ["Octets"]),
    pure("Readings"),
    // Layer 1
    pure("HealthProfiles", ["Octets", "Readings"]),
    pure("GATT", ["Octets"]),
    pure("BluetoothManagement", ["Octets"]),
    pure("Journal", ["Octets", "Readings"]),
    pure("Monitoring", ["Octets", "JSON", "Readings", "Zones"]),
    // Layer 2
    pure("Drivers", ["Octets", "Readings", "HealthProfiles"]),
    pure("ControlProtocol", ["Readings", "JSON"]),
    pure("Exchange", ["Octets", "Readings", "JSON", "Zones"]),
    pure("Reports", ["JSON", "Zones", "Readings", "Monitoring"]),
    pure(
      "Settings",
      [
        "Octets", "JSON", "Zones", "Readings", "BluetoothManagement", "Monitoring", "Drivers", "ControlProtocol",
        "Exchange",
      ]),
    // Layer 3
    pure(
      "Ledger",
      [
        "Octets", "JSON", "Zones", "Readings", "GATT", "BluetoothManagement", "Journal", "Monitoring", "Drivers",
        "ControlProtocol", "Exchange", "Settings",
      ]),
    // Layer 4
    pure(
      "GatewayCore",
      [
        "Octets", "JSON", "Zones", "Readings", "HealthProfiles", "GATT", "BluetoothManagement", "Journal", "Monitoring",
        "Drivers", "ControlProtocol", "Exchange", "Settings", "Ledger",
      ]),
    // Platform
    .target(name: "CLinux"),
    .target(name: "CBlueZ"),
    .target(name: "CUdev", linkerSettings: [.linkedLibrary("udev")]),
    shell("Platform", ["CLinux", "CBlueZ", "CUdev", "Octets"]),
    shell("JournalFiles", ["Journal", "Platform"]),
    shell("ZoneFiles", ["JSON", "Octets", "Zones", "Platform"]),
    shell("UplinkProtocol", ["Octets"]),
    shell("Playback", ["Octets"]),
    // Programs
    program(
      "hearthd",
      [
        "Octets", "JSON", "Zones", "Readings", "HealthProfiles", "GATT", "BluetoothManagement", "Journal", "Monitoring",
        "Drivers", "ControlProtocol", "Exchange", "Settings", "Ledger", "GatewayCore", "CLinux", "Platform",
        "UplinkProtocol", "Playback", "JournalFiles", "ZoneFiles",
      ]),
    .target(name: "CCurlHook"),
    program(
      "hearth-uplink", ["UplinkProtocol", "CCurlHook", "CLinux"],
      linker: [
        // Without the exported symbol a dynamically linked libcurl never calls the hook, silently.
        .unsafeFlags([
          "-Xlinker", "--export-dynamic-symbol=curl_easy_init", "-Xlinker", "--export-dynamic-symbol=curl_easy_setopt",
          "-Xlinker", "--export-dynamic-symbol=curl_multi_setopt", "-Xlinker", "--export-dynamic-symbol=curl_url_get",
        ])
      ]),
    program(
      "hearthctl",
      [
        "Octets", "JSON", "Zones", "Readings", "HealthProfiles", "GATT", "BluetoothManagement", "Journal", "Monitoring",
        "Drivers", "ControlProtocol", "Exchange", "Reports", "Settings", "Ledger", "GatewayCore", "CLinux", "Platform",
        "JournalFiles", "Playback", "ZoneFiles",
      ]),
    program(
      "hearth-bench",
      [
        "Octets", "JSON", "Zones", "Readings", "HealthProfiles", "GATT", "Journal", "Drivers", "Exchange",
        "Settings", "Ledger", "GatewayCore", "CLinux", "Platform", "JournalFiles", "ControlProtocol", "Monitoring",
      ]),
    // Tests
    tests("Octets", ["Octets"]),
    tests("JSON", ["JSON"]),
    tests("Zones", ["Zones", "Octets"], resources: [.copy("Fixtures")]),
    tests("Readings", ["Readings"]),
    tests("HealthProfiles", ["HealthProfiles", "Octets", "Readings", "JSON"], resources: [.copy("Fixtures")]),
    tests("GATT", ["GATT", "Octets"]),
    tests("BluetoothManagement", ["BluetoothManagement", "Octets"]),
    tests("Journal", ["Journal", "Octets", "Readings"]),
    tests("Monitoring", ["Monitoring", "Readings", "Zones", "Octets"]),
    tests(
      "Drivers", ["Drivers", "HealthProfiles", "Octets", "Readings", "JSON"],
      resources: [.copy("Captures"), .copy("Fixtures")]),
    tests("ControlProtocol", ["ControlProtocol", "Readings", "JSON"]),
    tests(
      "Exchange", ["Exchange", "Octets", "Readings", "JSON", "Zones"], resources: [.copy("Fixtures")]),
    tests(
      "GatewayCore",
      [
        "GatewayCore", "Ledger", "Octets", "JSON", "Zones", "Readings", "HealthProfiles", "GATT", "BluetoothManagement",
        "Journal",
        "Monitoring", "Drivers", "ControlProtocol", "Exchange", "Settings",
      ],
      resources: [.copy("Fixtures")]),
    // Many hubs at once, as the benchmark rehearses them.
    tests("Fleet", ["hearth-bench"]),
    tests("Settings", ["Settings", "JSON", "Readings", "Monitoring", "Exchange"]),
    tests("Reports", ["Reports", "JSON", "Zones", "Readings", "Monitoring"]),
    tests("Platform", ["Platform", "Octets", "CLinux"]),
    tests("UplinkProtocol", ["UplinkProtocol", "Octets"]),
    tests("Playback", ["Playback", "Octets", "GATT"]),
    // The real programs, started as processes and looked at from outside.
    tests(
      "Program", ["Platform", "JSON", "CLinux", "UplinkProtocol", "Octets", "Playback", "Journal", "JournalFiles"],
      resources: [.copy("Support")]),
  ],
  swiftLanguageModes: [.v6]
)
