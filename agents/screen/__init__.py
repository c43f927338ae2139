"""The first tier and the embedded judge: trained on labelled text, plain numpy at run time."""
