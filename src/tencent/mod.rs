//! Tencent Cloud Chat: everything that the program knows of the vendor.
//!
//! - [`client`] makes the calls: [`crate::disband::Disband`] over HTTP.
//! - [`wire`] holds bodies as they stand on the wire.
//! - [`codes`] turns the service's error codes into what they ask of the run; [`fault`] does so for everything that can
//!   come instead of an answer.
//! - [`usersig`] makes, reads and verifies UserSigs; [`credential`] hands the current one to all workers.
//! - [`hosts`] knows where calls may go.

pub mod client;
pub mod codes;
pub mod credential;
pub mod fault;
pub mod hosts;
pub mod usersig;
pub mod wire;
