"""Days on which banks do not settle: data that a person enters, because Tết moves and the government decides."""
