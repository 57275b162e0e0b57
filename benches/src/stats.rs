//! Medians and percentiles: what is left of noisy figures.

use std::time::Duration;

/// The value that so many parts of a thousand are not above.
///
/// # Panics
/// If there are no values.
pub fn permille<T: Copy + PartialOrd>(values: &mut [T], part: usize) -> T {
    assert!(!values.is_empty(), "no values");
    values.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
    values[((values.len() - 1) * part).div_ceil(1000)]
}

/// The value in the middle.
///
/// # Panics
/// If there are no values.
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> T {
    permille(&mut values.to_vec(), 500)
}

/// The median of the quotients, round by round: what is noisy for both cancels.
pub fn median_ratio(of: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<_> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    median(&ratios)
}

/// Milliseconds, to a hundredth.
pub fn millis(duration: Duration) -> f64 {
    round(1000.0 * duration.as_secs_f64(), 2)
}

/// Rounded to so many digits after the point.
pub fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut values: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(permille(&mut values, 990), 100);
        assert_eq!(permille(&mut values, 980), 99);
        assert_eq!(permille(&mut values, 0), 1);
        assert_eq!(median(&[3, 1, 2]), 2);
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        assert!((median_ratio(&[2.0, 20.0, 9.0], &[1.0, 10.0, 3.0]) - 2.0).abs() < 1e-9);
    }
}
