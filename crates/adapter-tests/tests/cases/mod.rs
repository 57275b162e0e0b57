//! Cases that hold for both adapters. The test binary that includes them names its adapter `caller`.

mod acceptance;
mod demand;
mod limits;
mod lives;
mod overruled;
mod refused_once;
mod standstill;
mod uploads;
