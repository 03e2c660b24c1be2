// Methods about serial ports.

internal import JSON

extension ControlMethod {
  static let ports: [ControlMethod] = [
    ControlMethod("serial.list", "the serial ports that are plugged in over USB", .reader, .immediate) { _ in
      .serialList
    },
    ControlMethod(
      "serial.identify", "what is at a port: by listening, or by the harmless question of one driver", .technician,
      .device, isAudited: true, [port, ControlParameter("driver", lookup, "the driver that may ask; without it none")],
      examples: [["port": "ttyUSB0"], ["port": "ttyUSB0", "driver": "contec-v7"]]
    ) { given throws(ControlError) in
      .serialIdentify(port: try given.text("port"), driver: given.text(ifGiven: "driver"))
    },
    ControlMethod(
      "serial.bind", "binds a port to a driver for good", .technician, .change, isAudited: true, isDurable: true,
      [
        port, .required("driver", lookup, "a driver's id, see hearthctl drivers"),
        ControlParameter("id", .name, "the hub's name for the device; a known one is bound again"),
        ControlParameter("patient", .patient, "whose it is"),
        ControlParameter("model", .text(upTo: 64), "the model, where the driver needs to know it"),
      ],
      examples: [
        ["port": "ttyUSB0", "driver": "contec-v7", "id": "oximeter", "patient": "p-7f3a"],
        ["port": "ttyUSB1", "driver": "toledo-8217", "model": "8217 kg"],
      ]
    ) { given throws(ControlError) in
      var wish = PortWish(port: try given.text("port"), driver: try given.text("driver"))
      wish.id = given.text(ifGiven: "id")
      wish.patient = given.text(ifGiven: "patient")
      wish.model = given.text(ifGiven: "model")
      return .serialBind(wish)
    },
    ControlMethod(
      "serial.release", "a port is a device's no longer", .technician, .change, isAudited: true, isDurable: true,
      [device], examples: [["device": "oximeter"]]
    ) { given throws(ControlError) in .serialRelease(device: try given.text("device")) },
  ]

  /// Links of udev are long.
  private static let port = ControlParameter.required(
    "port", .text(upTo: 256), "a port such as /dev/ttyUSB0",
    hint: "hearthctl serial list shows the ports that are plugged in")
}
