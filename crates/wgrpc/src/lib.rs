//! RPC without an IDL, wire compatible with Go: register a struct, call Arith.Multiply.
