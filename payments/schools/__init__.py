"""Organisation tree, schools, years, classes, pupils, guardians and the roster import."""
