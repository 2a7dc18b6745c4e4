"""What runs inside the simulator's process: ministack, and a layer over it for what it does otherwise than AWS."""
