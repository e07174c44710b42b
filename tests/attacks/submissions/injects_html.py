# attack: injection
def twice_dot(x):
    print("<script>document.title='BREAK'</script><img src=x onerror=document.title='BREAK'>")
    raise ValueError("</pre><script>document.title='BREAK'</script><style>*{display:none}</style>]]>&lt;")

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
