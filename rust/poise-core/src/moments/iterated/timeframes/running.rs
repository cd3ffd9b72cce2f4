//! Mean and spread of a series, one value at a time (Welford, 1962).

/// Moments of the values so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Running {
    pub(super) count: u64,
    pub(super) mean: f64,
    /// Squared deviations from the mean, summed.
    pub(super) spread: f64,
}

impl Running {
    /// Takes in a value; NaN is missing.
    pub(super) fn add(&mut self, x: f64) {
        if x.is_nan() {
            return;
        }
        self.count += 1;
        let before = x - self.mean;
        self.mean += before / self.count as f64;
        self.spread += before * (x - self.mean);
    }

    /// The mean squared deviation from `centre`.
    pub(super) fn variance_about(&self, centre: f64) -> f64 {
        self.spread / self.count as f64 + (self.mean - centre).powi(2)
    }
}
