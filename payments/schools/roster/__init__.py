"""Roster import: a spreadsheet in the sector template -> pupils, classes, enrollments, and a report for a person.

``columns`` finds the columns, ``rows`` reads and judges one row, ``checks`` compares the rows of a file, ``plan``
compares the file with what is known, ``store`` reads and writes in a fixed number of statements, ``report`` tells
what happened under «đúng, đủ, sạch, sống», ``workbooks`` writes the template and the rows to correct.
"""
