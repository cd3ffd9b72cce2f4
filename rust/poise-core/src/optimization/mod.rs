//! Weights that solve a stated problem, with a certificate.
