"""Pierhead: a self-hosted model deployment platform for the official MLflow and Databricks clients."""

__version__ = "0.1.0"
