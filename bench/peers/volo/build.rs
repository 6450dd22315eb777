//! Makes code of the service's description.

fn main() {
    println!("cargo:rerun-if-changed=idl/bench.thrift");
    volo_build::Builder::thrift()
        .add_service("idl/bench.thrift")
        .write()
        .expect("the description can be compiled");
}
