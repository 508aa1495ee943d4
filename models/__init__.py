"""What is learned: intensity normalisation, the U-Net, its training and its exported signatures."""
