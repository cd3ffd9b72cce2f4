//! What the classes of several rooms have in common, written once: each macro adds methods to a class that wraps
//! a state of the core in `inner`.

/// `to_bytes` and `from_bytes`.
macro_rules! saved {
    ($class:ident, $state:ty) => {
        #[pyo3::pymethods]
        impl $class {
            fn to_bytes<'py>(&self, py: pyo3::Python<'py>) -> pyo3::Bound<'py, pyo3::types::PyBytes> {
                pyo3::types::PyBytes::new(py, &self.inner.to_bytes())
            }

            #[staticmethod]
            fn from_bytes(data: &[u8]) -> pyo3::PyResult<Self> {
                Ok(Self { inner: <$state>::from_bytes(data).map_err(crate::border::to_python)? })
            }
        }
    };
}

/// `n_assets` and `n_observations`.
macro_rules! counted {
    ($class:ident) => {
        #[pyo3::pymethods]
        impl $class {
            #[getter]
            fn n_assets(&self) -> usize {
                self.inner.n_assets()
            }

            #[getter]
            fn n_observations(&self) -> u64 {
                self.inner.n_observations()
            }
        }
    };
}

/// `absorb`: many rows at once, for states that take nothing but rows.
macro_rules! absorbs_rows {
    ($class:ident) => {
        #[pyo3::pymethods]
        impl $class {
            /// Takes in many rows.
            fn absorb(
                &mut self,
                py: pyo3::Python<'_>,
                returns: numpy::PyReadonlyArray2<'_, f64>,
            ) -> pyo3::PyResult<()> {
                let returns = returns.as_array();
                let state = &mut self.inner;
                crate::border::detached(py, || state.absorb(returns))
            }
        }
    };
}

/// `covariance`, `correlation` and `volatility` of states that make them anew.
macro_rules! shows_moments {
    ($class:ident) => {
        #[pyo3::pymethods]
        impl $class {
            fn covariance<'py>(&self, py: pyo3::Python<'py>) -> pyo3::Bound<'py, numpy::PyArray2<f64>> {
                numpy::IntoPyArray::into_pyarray(self.inner.covariance(), py)
            }

            fn correlation<'py>(&self, py: pyo3::Python<'py>) -> pyo3::Bound<'py, numpy::PyArray2<f64>> {
                numpy::IntoPyArray::into_pyarray(self.inner.correlation(), py)
            }

            fn volatility<'py>(&self, py: pyo3::Python<'py>) -> pyo3::Bound<'py, numpy::PyArray1<f64>> {
                numpy::IntoPyArray::into_pyarray(self.inner.volatility(), py)
            }
        }
    };
}

pub(crate) use {absorbs_rows, counted, saved, shows_moments};
