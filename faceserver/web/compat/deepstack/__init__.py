"""The face protocol of DeepStack, which CodeProject.AI Server took over."""
