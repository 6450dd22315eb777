//! Makes code of the service's description.

fn main() {
    let compiled = capnpc::CompilerCommand::new()
        .src_prefix("schema")
        .file("schema/bench.capnp")
        .run();
    compiled.expect("the description can be compiled");
}
