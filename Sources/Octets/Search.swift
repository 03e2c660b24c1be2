extension Collection<UInt8> {
  /// Whether these octets stand in it somewhere, one after the other. (The library's own `contains` would bring regular expressions
  /// into the daemon's memory.)
  package func holds(_ part: some Collection<UInt8>) -> Bool {
    var rest = self[...]
    while !rest.starts(with: part) {
      if rest.popFirst() == nil { return false }
    }
    return true
  }
}
