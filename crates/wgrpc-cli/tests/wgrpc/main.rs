//! The command as scripts see it: arguments, outputs and exit statuses of the real binary.

mod call;
mod call_many;
mod command;
mod demo;
#[cfg(feature = "etcd")]
mod etcd;
mod go;
mod gob_print;
mod registry;
mod serve;
