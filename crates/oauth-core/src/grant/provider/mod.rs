//! Grants of four providers, each with the contract of its documentation in one file.

mod apiera;
mod ataccama;
mod fuuffy;
mod oleria;

pub use apiera::{Apiera, ApieraBuilder};
pub use ataccama::{Ataccama, AtaccamaBuilder};
pub use fuuffy::{Fuuffy, FuuffyBuilder};
pub use oleria::{Oleria, OleriaBuilder};
