//! Covariance and correlation that forget.
