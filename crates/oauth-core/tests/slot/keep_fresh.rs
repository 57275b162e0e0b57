//! The task that renews without requests.
