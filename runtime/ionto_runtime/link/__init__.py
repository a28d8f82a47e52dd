"""IonLink: the language of the reference device, as bytes. No input or output, no clock."""
