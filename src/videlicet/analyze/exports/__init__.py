"""Outputs: what analysis found, in the forms that players, editors and tables take."""
