//! Tests of both adapters in the same worlds, in `tests`: hours of calls on paused time, and the property
//! that the rules for refusals are for.
