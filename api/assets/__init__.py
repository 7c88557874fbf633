"""What a site has beside EVSEs, on the wire: batteries, solar plants, generators."""
