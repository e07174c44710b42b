# honest
twice_dot = "4x"
length_of_4x = "4 x / ‖x‖"
