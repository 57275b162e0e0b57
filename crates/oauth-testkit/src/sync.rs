//! A lock that outlives a panic of whoever held it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every value behind these locks is whole between two statements, so a poisoned one is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
