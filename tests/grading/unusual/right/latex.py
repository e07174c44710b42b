twice_dot = r"$4x$"
squares = r"2 x \odot \text{upstream}"
length_of_4x = r"\nabla f(x) = \frac{4 x}{\lVert x \rVert}"
mean_of_products = {"x": r"\frac{3}{4}(z + 5)", "z": r"\tfrac34 \left( x + 2 \right)"}
matrix_product = {"a": r"\text{upstream}\, b^\top", "b": r"a^{\mathsf T} \text{upstream}"}
inverse = r"-a^{-\top} \text{upstream}\, a^{-\top}"
