"""The shipped library: drugs, electrodes, devices, envelopes, screening, treatments, as package data."""
