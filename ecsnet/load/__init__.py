"""What a server and its network carry: crowds of clients, the times they measure, and the floor beside them."""
