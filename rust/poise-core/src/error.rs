//! Everything that can be wrong with an input, with the numbers a caller needs to mend it.

/// What the kernels return.
pub type Result<T> = std::result::Result<T, Error>;

/// A refused input or an answer that could not be certified.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// Nothing to work on.
    #[error("{what} is empty; pass at least one {unit}")]
    Empty {
        /// The argument's name.
        what: &'static str,
        /// What it should hold: `observation`, `asset`.
        unit: &'static str,
    },
    /// An argument whose shape does not fit.
    #[error("{what} has shape {found}, expected {expected}")]
    Shape {
        /// The argument's name.
        what: &'static str,
        /// The shape that fits, as text such as `(3, 3)`.
        expected: String,
        /// The shape that came.
        found: String,
    },
    /// A NaN or an infinity where a number is needed.
    #[error("{what} holds {value} at {position}; remove or fill it first")]
    NonFinite {
        /// The argument's name.
        what: &'static str,
        /// The first bad value.
        value: f64,
        /// Its position, as text: `index 4` or `row 2, column 7`.
        position: String,
    },
    /// A column that has one value only where its spread is needed.
    #[error("column {column} of {what} does not vary (it is always {value}); drop it")]
    Constant {
        /// The argument's name.
        what: &'static str,
        /// The column.
        column: usize,
        /// Its value.
        value: f64,
    },
    /// A parameter outside its range.
    #[error("{what} is {value}, expected {range}")]
    OutOfRange {
        /// The parameter's name.
        what: &'static str,
        /// What came.
        value: f64,
        /// The allowed range, as text: `a number in (0, 1)`.
        range: &'static str,
    },
    /// Too little history for the statistic.
    #[error("{what} needs at least {needed} observations, got {found}")]
    TooFew {
        /// The statistic.
        what: &'static str,
        /// The least that works.
        needed: usize,
        /// What came.
        found: usize,
    },
    /// Instants that do not run forward.
    #[error("{what} does not increase at index {index}; sort it and keep one observation per instant")]
    NotIncreasing {
        /// The argument's name.
        what: &'static str,
        /// The first instant that is not after the one before.
        index: usize,
    },
    /// A matrix that is not symmetric up to rounding.
    #[error(
        "{what} is not symmetric: entries ({row}, {column}) and ({column}, {row}) differ by {difference:.3e}"
    )]
    NotSymmetric {
        /// The argument's name.
        what: &'static str,
        /// Row of the worst pair.
        row: usize,
        /// Column of the worst pair.
        column: usize,
        /// How far they are apart.
        difference: f64,
    },
    /// A matrix with a clearly negative direction.
    #[error(
        "{what} is not positive semidefinite (pivot {pivot:.3e} at asset {index}); repair or shrink it first"
    )]
    NotPositiveSemidefinite {
        /// The argument's name.
        what: &'static str,
        /// The asset where the factorisation met the negative pivot.
        index: usize,
        /// That pivot.
        pivot: f64,
    },
    /// Bounds or budgets that no weights can meet.
    #[error("no weights meet the bounds: {reason}")]
    Infeasible {
        /// Which bound is in the way, with its numbers.
        reason: String,
    },
    /// The certificate was not reached.
    #[error(
        "not converged after {iterations} iterations: residual {residual:.3e}, tolerance {tolerance:.3e}"
    )]
    NotConverged {
        /// Iterations spent.
        iterations: usize,
        /// Where they ended.
        residual: f64,
        /// Where they should have ended.
        tolerance: f64,
    },
    /// Bytes that are not a state of this version.
    #[error("the saved state cannot be read: {reason}")]
    Snapshot {
        /// What is wrong with them.
        reason: String,
    },
}
