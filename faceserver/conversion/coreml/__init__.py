"""To CoreML, for iPhone, iPad and Mac."""
