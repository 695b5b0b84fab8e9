"""Tests of the verdict over runs."""
