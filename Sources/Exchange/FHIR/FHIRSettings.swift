// What a FHIR backend's configuration chooses.

/// Whose a resource is, without any national identity number on the hub.
package enum PatientForm: Sendable, Hashable {
  /// `Patient/<reference>`: the service gave the hub the logical id.
  case reference
  /// A Patient resource with nothing but this opaque identifier, created when the server does not have it.
  case resource(system: String)
  /// A logical reference by identifier alone; the guide's profiles do not have it, R4 does.
  case identifier(system: String)

  /// The system of the identifier; nil where there is none.
  var system: String? {
    switch self {
    case .reference: nil
    case .resource(let system), .identifier(let system): system
    }
  }
}

/// Which identifier feeds the conditional creation.
package enum CreationKey: String, Sendable, Hashable, CaseIterable {
  /// Our own UUID of the device record.
  case own
  /// The guide's, where the device told a time; else our own.
  case guide
}

/// A transaction of the HL7 PHD guide.
package struct PHDSettings: Sendable, Hashable {
  /// Whose readings are.
  package var patient: PatientForm
  /// Which identifier feeds the conditional creation.
  package var key: CreationKey
  /// Send readings that nothing places in time, with the reason instead of the time; else they are refused here.
  package var sendsUnplaced: Bool
  /// The most entries of one Bundle, devices included.
  package var maximumEntries: Int
  /// What the receiver wants of Observations.
  package var shape = FHIRShape()

  /// `Patient/<reference>`, our own identifier, unplaced readings kept back, 150 entries.
  package init(
    patient: PatientForm = .reference, key: CreationKey = .own, sendsUnplaced: Bool = false, maximumEntries: Int = 150
  ) {
    self.patient = patient
    self.key = key
    self.sendsUnplaced = sendsUnplaced
    self.maximumEntries = maximumEntries
  }
}

/// A Bundle of nothing but Observations.
package struct ObservationBundleSettings: Sendable, Hashable {
  /// The Bundle's type.
  package enum BundleType: String, Sendable, Hashable, CaseIterable {
    case batch
    case collection
  }

  /// How an entry of a batch is created; a collection has no requests.
  package enum Creation: String, Sendable, Hashable, CaseIterable {
    /// POST, unless the server has the identifier.
    case ifNoneExist = "if-none-exist"
    /// POST.
    case always = "post"
    /// PUT under our own identifier.
    case put
  }

  /// An organisation that stands behind the readings.
  package struct Organisation: Sendable, Hashable {
    /// The system of its identifier.
    package var system: String
    /// Its identifier.
    package var value: String
    package init(system: String, value: String) {
      self.system = system
      self.value = value
    }
  }

  /// The Bundle's type.
  package var bundleType: BundleType
  /// How an entry is created.
  package var creation: Creation
  /// The system of the patients' identifiers.
  package var patientSystem: String
  /// The Norwegian municipality number, as a tag of the Bundle.
  package var municipality: String?
  /// Who is responsible.
  package var performer: Organisation?
  /// Send readings that nothing places in time; else they are refused here.
  package var sendsUnplaced: Bool
  /// The most entries of one Bundle.
  package var maximumEntries: Int
  /// What the receiver wants of Observations, but for its `performer`.
  package var shape = FHIRShape()

  /// A batch, created once, 150 entries.
  package init(
    patientSystem: String, bundleType: BundleType = .batch, creation: Creation = .ifNoneExist,
    municipality: String? = nil, performer: Organisation? = nil, sendsUnplaced: Bool = false, maximumEntries: Int = 150
  ) {
    self.patientSystem = patientSystem
    self.bundleType = bundleType
    self.creation = creation
    self.municipality = municipality
    self.performer = performer
    self.sendsUnplaced = sendsUnplaced
    self.maximumEntries = maximumEntries
  }
}
