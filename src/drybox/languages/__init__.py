"""The languages: one file each, behind ``languages.base.Language``."""
