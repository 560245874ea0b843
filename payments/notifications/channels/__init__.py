"""Ways to reach a person, one module each: a rendered message in, delivered or a reason out."""
