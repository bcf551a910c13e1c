// SPDX-License-Identifier: GPL-2.0
/* An SPI controller with nothing at its wires: spidev0.0 and spidev0.1 take what a panel would be sent. */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/spi/spi.h>

static struct platform_device *device;

static int transfer(struct spi_controller *controller, struct spi_device *to, struct spi_transfer *words)
{
	return 0;
}

static int __init sink_init(void)
{
	struct spi_controller *controller;
	struct spi_board_info chip = { .modalias = "dh2228fv", .max_speed_hz = 80000000 };
	int error;

	device = platform_device_register_simple("spi-sink", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	controller = spi_alloc_host(&device->dev, 0);
	if (!controller)
		return -ENOMEM;
	controller->bus_num = 0;
	controller->num_chipselect = 2;
	controller->transfer_one = transfer;
	error = devm_spi_register_controller(&device->dev, controller);
	if (error)
		return error;
	for (chip.chip_select = 0; chip.chip_select < 2; chip.chip_select++)
		if (!spi_new_device(controller, &chip))
			return -ENODEV;
	return 0;
}

module_init(sink_init);
MODULE_DESCRIPTION("SPI controller without wires");
MODULE_LICENSE("GPL");
