//! Makes a file of each known input, in `corpus/TARGET`, where `cargo fuzz` looks for them.

#[path = "../crates/wgrpc-core/tests/fuzz_replay/seeds.rs"]
#[allow(
    dead_code,
    reason = "what shows inputs is for the test that shares this file"
)]
mod seeds;

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=seeds");
    println!("cargo::rerun-if-changed=../interop/vectors");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for target in here.join("seeds").read_dir().unwrap() {
        let target = target.unwrap().path();
        let target = target.file_stem().unwrap().to_str().unwrap();
        let corpus = here.join("corpus").join(target);
        std::fs::create_dir_all(&corpus).unwrap();
        for seed in seeds::read(target) {
            let name = seed.name.replace('/', "_");
            std::fs::write(corpus.join(format!("seed_{name}")), &seed.bytes).unwrap();
        }
    }
}
