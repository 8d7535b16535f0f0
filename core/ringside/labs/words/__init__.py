"""Words for people: message catalogues in English and Hungarian."""
