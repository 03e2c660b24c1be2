import Platform

enum Demo {
  static func run(_ options: Options) -> Int32 { 0 }
}
