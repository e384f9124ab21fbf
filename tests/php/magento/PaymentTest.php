<?php

declare(strict_types=1);

use PHPUnit\Framework\TestCase;
use Storebridge\Connect\Model\Payment;

final class PaymentTest extends TestCase
{
    public function testAnOrderMaySayItselfHowItWasPaid(): void
    {
        self::assertSame('Paid on bol.com', $this->method(['storebridge_title' => 'Paid on bol.com'])->getTitle());
    }

    public function testOtherwiseItIsAsTheStoreHasIt(): void
    {
        self::assertSame('As the store has named it', $this->method([])->getTitle());
        self::assertSame('As the store has named it', (new Payment())->getTitle());
    }

    /**
     * Magento's admin page and its PDF ask for it so (module-payment: view/adminhtml/templates/info/default.phtml and
     * info/pdf/default.phtml).
     */
    public function testTheAdminsPageAndThePdfReadItAsTheConfiguredTitle(): void
    {
        $told = $this->method(['storebridge_title' => 'Paid on bol.com']);
        self::assertSame('Paid on bol.com', $told->getConfigData('title', 1));
        self::assertSame('its order_status of store 1', $told->getConfigData('order_status', 1));
        self::assertSame('As the store has named it', $this->method([])->getConfigData('title', 1));
    }

    private function method(array $told): Payment
    {
        $info = new class ($told) {
            public function __construct(private readonly array $told)
            {
            }

            public function getAdditionalInformation(string $name): ?string
            {
                return $this->told[$name] ?? null;
            }
        };
        return new Payment(['info_instance' => $info]);
    }
}
