// Bounded reads, and check values against their published vectors.

import Octets
import Testing

@Suite struct OctetsTests {
  @Test func readsBothOrdersAndSaysWhereItEnds() throws {
    var reader = OctetReader([0x01, 0x02, 0x03, 0x04, 0x05, 0xFF])
    #expect(try reader.uint16("a") == 0x0201)
    #expect(try reader.uint16BigEndian("b") == 0x0304)
    #expect(reader.peek() == 0x05 && reader.peek(2) == nil && reader.peek(-1) == nil)
    #expect(throws: DecodeError(field: "c", offset: 4, reason: .truncated(needed: 4, available: 2))) {
      try reader.uint32("c")
    }
    #expect(try reader.uint8("d") == 5)
    #expect(try reader.int8("e") == -1)
    #expect(reader.isAtEnd)
    #expect(throws: DecodeError.self) { try reader.take(1, "f") }
    #expect(throws: DecodeError.self) { try reader.take(-1, "f") }
    #expect(OctetReader([1, 2], from: 9).remaining == 0)
  }

  @Test func whatIsWrittenIsRead() throws {
    var writer = OctetWriter()
    writer.uint8(1); writer.uint16(0x1234); writer.uint24(0x56789A); writer.uint32(0xDEAD_BEEF)
    writer.uint48(0x0102_0304_0506); writer.uint64(0x1122_3344_5566_7788); writer.uint16BigEndian(0xCAFE)
    var reader = OctetReader(writer.octets)
    #expect(try reader.uint8("") == 1)
    #expect(try reader.uint16("") == 0x1234)
    #expect(try reader.uint24("") == 0x56789A)
    #expect(try reader.uint32("") == 0xDEAD_BEEF)
    #expect(try reader.uint48("") == 0x0102_0304_0506)
    #expect(try reader.uint64("") == 0x1122_3344_5566_7788)
    #expect(try reader.uint16BigEndian("") == 0xCAFE)
  }

  /// RFC 3720 B.4, and the usual check string.
  @Test func crc32c() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(Array(0...31)) == 0x46DD_794E)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    var pieces = CRC32C()
    pieces.add(Array("1234".utf8))
    pieces.add(Array("56789".utf8))
    #expect(pieces.value == 0xE306_9283)
  }

  /// FIPS 180 examples.
  @Test func sha1() {
    #expect(Hex.encode(SHA1.digest(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(Hex.encode(SHA1.digest([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    #expect(
      Hex.encode(SHA1.digest(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
        == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
  }

  /// Lengths at which the padding takes a block of its own, and whole blocks; of octets 0, 1, 2 …
  @Test(arguments: [
    (55, "8ae2d46729cfe68ff927af5eec9c7d1b66d65ac2"), (56, "636e2ec698dac903498e648bd2f3af641d3c88cb"),
    (63, "6d942da0c4392b123528f2905c713a3ce28364bd"), (64, "c6138d514ffa2135bfce0ed0b8fac65669917ec7"),
    (65, "69bd728ad6e13cd76ff19751fde427b00e395746"), (119, "41c89d06001bab4ab78736b44efe7ce18ce6ae08"),
    (128, "e6434bc401f98603d7eda504790c98c67385d535"),
  ])
  func sha1OfAnyLength(count: Int, digest: String) {
    #expect(Hex.encode(SHA1.digest((0..<count).map { UInt8(truncatingIfNeeded: $0) })) == digest)
  }

  @Test func fnv1a() {
    let octets = Array("foobar".utf8)
    #expect(FNV1a.hash(octets.span) == 0x8594_4171_F739_67E8)
    #expect(FNV1a.hash(octets) == 0x8594_4171_F739_67E8)
    #expect(FNV1a.hash([UInt8]().span) == FNV1a.hash([UInt8]()))
  }

  @Test func smallCheckValues() {
    let check = Array("123456789".utf8)
    #expect(Checksum.crc8(check) == 0xF4)
    #expect(Checksum.crc8Maxim(check) == 0xA1)
    #expect(Checksum.crc16MCRF4XX(check) == 0x6F91)
    #expect(Checksum.sum8(check) == 0xDD)
    #expect(Checksum.xor8(check) == 0x31)
  }

  @Test func hexTakesSeparatorsBetweenOctetsOnly() throws {
    #expect(try Hex.decode("1E 8a:00-ff\n") == [0x1E, 0x8A, 0, 0xFF])
    for bad in ["1", "1 2", "xy", "1e8", "1é"] { #expect(throws: DecodeError.self) { try Hex.decode(bad) } }
  }

  @Test(arguments: [
    ("2A35", "2A35"), ("2a35", "2A35"), ("00002A35", "2A35"), ("00002a35-0000-1000-8000-00805f9b34fb", "2A35"),
  ])
  func assignedUUIDsHaveOneForm(text: String, short: String) { #expect(BluetoothUUID(text)?.description == short) }

  @Test func vendorUUIDs() {
    let text = "233BF000-5A34-1B6D-975C-000D5690ABE4"
    let uuid = BluetoothUUID(text.lowercased())
    #expect(uuid?.description == text)
    #expect(uuid.flatMap { BluetoothUUID(littleEndian: $0.littleEndian) } == uuid)
    for bad in [
      "", "2A3", "2A35x", "+2A3", "233BF0005A341B6D975C000D5690ABE", "zzzz", "2A-35",
      "----233BF0005A341B6D975C000D5690ABE4",
      "233BF0005A34-1B6D-975C-000D5690ABE4-",
    ] {
      #expect(BluetoothUUID(bad) == nil)
    }
    #expect(BluetoothUUID(littleEndian: [1, 2, 3]) == nil)
  }
}
