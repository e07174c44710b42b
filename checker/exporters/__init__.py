"""Grades in the forms that other tools read. Built-in exporters enter by the same door as a plugin's."""
