//! Makes code of the service's description.

fn main() -> std::io::Result<()> {
    tonic_prost_build::configure()
        .bytes(".")
        .compile_protos(&["proto/bench.proto"], &["proto"])
}
