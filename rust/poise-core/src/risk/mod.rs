//! What can be lost, and who contributes to it.
