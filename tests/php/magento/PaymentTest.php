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
