twice_dot = "4 x_i"
squares = r"\frac{\partial L}{\partial x} = \text{upstream} \cdot 2x"
